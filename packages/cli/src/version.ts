/** The version of this package: all packages of the project have the same. */
export const VERSION = '0.1.0';
