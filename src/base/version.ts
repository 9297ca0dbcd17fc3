/** The same as in package.json (a test compares them); here so that starting need not read a file. */
export const version = '0.1.0'
