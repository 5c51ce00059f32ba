#ifndef CMPI_H
#define CMPI_H

// What SegDistributed needs of MPI, as plain functions: MPI's handles are macros, which Swift cannot read, and differ
// between implementations. An error within MPI ends all processes with MPI's own message.

/// Joins the processes that mpirun started. `neighbours`: those on this machine, this one included.
void cmpi_start(int *rank, int *size, int *neighbours);
/// The last call; waits for all processes.
void cmpi_finish(void);
/// Ends all processes at once; mpirun exits with `status`.
void cmpi_abort(int status) __attribute__((noreturn));
/// Waits for all processes.
void cmpi_barrier(void);

/// Replaces numbers by their sums over all processes.
void cmpi_sum_doubles(double *values, int count);
/// Begins to do so; `values` must stay. Returns a request, which must be tested or waited for until it is done.
void *cmpi_begin_sum_floats(float *values, int count);
/// Moves transfers along; whether this one is done, and its request void.
int cmpi_test(void *request);
/// Returns when a transfer is done, and its request void.
void cmpi_wait(void *request);
/// Every process's `count` 4-byte words, in the order of ranks, to every process.
void cmpi_gather_words(const void *own, int count, void *all);

#endif
