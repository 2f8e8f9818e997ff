/** Shown by `--version` and written into artifacts. Held equal to package.json by a test. */
export const PROGRAM_VERSION = '0.1.0'
