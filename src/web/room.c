/* placeholder until the room has its first file */ extern int bw_room_web;
int bw_room_web;
