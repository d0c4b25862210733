/* placeholder until the room has its first file */ extern int bw_room_drafts;
int bw_room_drafts;
