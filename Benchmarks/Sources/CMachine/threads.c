#include "CMachine.h"

#include <pthread.h>

enum { MOST = 256 };

struct Part {
  CMachinePart run;
  int number;
  void *context;
  pthread_t thread;
  int has_thread;
};

static void *serve(void *argument) {
  struct Part *part = argument;
  part->run(part->number, part->context);
  return NULL;
}

// Threads of its own, not a pool that may hand two parts to one of them.
void cmachine_at_once(int count, CMachinePart run, void *context) {
  struct Part parts[MOST];
  if (count > MOST) count = MOST;
  for (int i = 1; i < count; i++) {
    parts[i] = (struct Part){.run = run, .number = i, .context = context};
    parts[i].has_thread = pthread_create(&parts[i].thread, NULL, serve, &parts[i]) == 0;
  }
  run(0, context);
  for (int i = 1; i < count; i++) {
    if (parts[i].has_thread) pthread_join(parts[i].thread, NULL);
    else run(i, context);
  }
}
