/* placeholder until the room has its first file */ extern int bw_room_delivery;
int bw_room_delivery;
