/* placeholder until the room has its first file */ extern int bw_room_config;
int bw_room_config;
