/* placeholder until the room has its first file */ extern int bw_room_expr;
int bw_room_expr;
