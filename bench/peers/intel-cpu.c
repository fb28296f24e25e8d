/* Preloaded before torch, this overrides MKL's check, which selects slow kernels on non-Intel processors. */
int mkl_serv_intel_cpu_true(void) { return 1; }
