# the usage watcher's fragment
