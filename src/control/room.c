/* placeholder until the room has its first file */ extern int bw_room_control;
int bw_room_control;
