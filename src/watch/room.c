/* placeholder until the room has its first file */ extern int bw_room_watch;
int bw_room_watch;
