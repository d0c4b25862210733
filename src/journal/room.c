/* placeholder until the room has its first file */ extern int bw_room_journal;
int bw_room_journal;
