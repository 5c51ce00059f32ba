#pragma once

/// Starts to count what all threads allocate.
void malloc_counter_start(void);

/// Stops, and returns how often memory was allocated since.
long malloc_counter_stop(void);
