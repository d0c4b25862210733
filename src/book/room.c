/* placeholder until the room has its first file */ extern int bw_room_book;
int bw_room_book;
