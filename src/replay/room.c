extern int bw_room_replay; int bw_room_replay;
