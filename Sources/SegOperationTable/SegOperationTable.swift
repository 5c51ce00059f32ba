import SegKernels
