/* placeholder until the room has its first file */ extern int bw_room_pipeline;
int bw_room_pipeline;
