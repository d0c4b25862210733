/* placeholder until the room has its first file */ extern int bw_room_plays;
int bw_room_plays;
