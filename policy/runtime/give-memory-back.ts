/** Returns unused memory of this process to the system. */
import koffi from 'koffi';

/** glibc's malloc_trim; other C libraries have none, or return memory by themselves. */
const trim = trimOfLibrary();

/**
 * Frees unreferenced arrays, and returns free pages of the heap to the system. The arrays lie outside V8's heap, so V8 is
 * slow to collect them. They are freed in the background: the second collection waits until the first has freed its
 * arrays.
 */
export function giveMemoryBack(): void {
  globalThis.gc?.();
  globalThis.gc?.();
  trim();
}

function trimOfLibrary(): () => void {
  try {
    const malloc_trim = koffi.load(null).func('int malloc_trim(size_t)');
    return () => void malloc_trim(0);
  } catch {
    return () => undefined;
  }
}
