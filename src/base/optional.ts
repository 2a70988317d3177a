import { GsasError } from './errors.js';

/**
 * An optional package, loaded when it is needed. It may be missing (`npm install --omit=optional`) or have no build for this machine.
 * @param load the import itself, so that bundlers and the type checker see it
 * @param purpose what cannot be done without it
 * @throws GsasError that says how to install it
 */
export async function optionalPackage<T>(load: () => Promise<T>, name: string, purpose: string): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0];
    throw new GsasError(
      `${purpose} needs the package ${name}, which cannot be loaded (${reason}); npm install ${name}`,
      {
        cause,
      },
    );
  }
}
