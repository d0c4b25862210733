/* placeholder until the room has its first file */ extern int bw_room_host;
int bw_room_host;
