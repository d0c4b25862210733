/* placeholder until the room has its first file */ extern int bw_room_approvals;
int bw_room_approvals;
