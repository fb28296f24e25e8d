/* Loaded before torch, this answers for MKL, which else takes slow kernels on a processor that is not Intel's. */
int mkl_serv_intel_cpu_true(void) { return 1; }
