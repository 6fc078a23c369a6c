/* What no plugin can beat: a process that starts and ends. */
int main(void) { return 0; }
