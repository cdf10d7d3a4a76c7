/** The version of this package, which is Lovage's; a test holds it to package.json. */
export const version = '0.1.0';
