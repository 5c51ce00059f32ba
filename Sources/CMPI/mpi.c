#include "CMPI.h"

#ifdef SEGKERNELS_MPI
// Debian keeps the header of its default MPI in a folder of its own, within the compiler's usual path.
#if __has_include(<mpi.h>)
#include <mpi.h>
#else
#include <mpi/mpi.h>
#endif
#include <stdlib.h>

void cmpi_start(int *rank, int *size, int *neighbours) {
  MPI_Comm machine;
  MPI_Init(NULL, NULL);
  MPI_Comm_rank(MPI_COMM_WORLD, rank);
  MPI_Comm_size(MPI_COMM_WORLD, size);
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
  MPI_Comm_size(machine, neighbours);
  MPI_Comm_free(&machine);
}

void cmpi_finish(void) { MPI_Finalize(); }

void cmpi_abort(int status) {
  MPI_Abort(MPI_COMM_WORLD, status);
  exit(status);
}

void cmpi_barrier(void) { MPI_Barrier(MPI_COMM_WORLD); }

void cmpi_sum_doubles(double *values, int count) {
  MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}

void *cmpi_begin_sum_floats(float *values, int count) {
  MPI_Request *request = malloc(sizeof *request);
  MPI_Iallreduce(MPI_IN_PLACE, values, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD, request);
  return request;
}

int cmpi_test(void *request) {
  int done = 0;
  MPI_Test(request, &done, MPI_STATUS_IGNORE);
  if (done) free(request);
  return done;
}

void cmpi_wait(void *request) {
  MPI_Wait(request, MPI_STATUS_IGNORE);
  free(request);
}

void cmpi_gather_words(const void *own, int count, void *all) {
  MPI_Allgather(own, count, MPI_INT32_T, all, count, MPI_INT32_T, MPI_COMM_WORLD);
}
#endif
