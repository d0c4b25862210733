/* placeholder until the room has its first file */ extern int bw_room_store;
int bw_room_store;
