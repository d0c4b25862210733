/* placeholder until the room has its first file */ extern int bw_room_signals;
int bw_room_signals;
