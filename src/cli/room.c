/* placeholder until the room has its first file */ extern int bw_room_cli;
int bw_room_cli;
