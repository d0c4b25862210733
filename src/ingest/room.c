/* placeholder until the room has its first file */ extern int bw_room_ingest;
int bw_room_ingest;
