import { ConfigurationError } from '@lovage/core';

/** Loads a client that is an optional peer. Throws {@link ConfigurationError} with what to install. */
export async function loadPeer<T>(what: string, packages: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
    throw new ConfigurationError(`${what} needs a client: npm install ${packages} (${message})`, { cause: error });
  }
}
