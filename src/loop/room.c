/* placeholder until the room has its first file */ extern int bw_room_loop;
int bw_room_loop;
