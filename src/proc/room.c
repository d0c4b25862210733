/* placeholder until the room has its first file */ extern int bw_room_proc;
int bw_room_proc;
