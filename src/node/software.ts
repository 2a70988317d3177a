import { DeviceError } from '../base/errors.js';
import { type AdapterOptions, type FoundAdapter, openAdapter, surveyAdapters, wantedAdapter } from './adapter.js';
import { howToInstallHere } from './advice.js';
import { installLavapipe } from './lavapipe.js';
import { installSwiftshader } from './swiftshader.js';

/** Called with what is being done, line by line. */
export type Log = (line: string) => void;

/** How to install each software adapter, the faster one first. */
const INSTALL = { lavapipe: installLavapipe, swiftshader: installSwiftshader };

/** A software adapter that can be installed. @useDeclaredType */
export type SoftwareName = keyof typeof INSTALL;
export const SOFTWARE_NAMES = Object.keys(INSTALL) as SoftwareName[];

/**
 * Installs a software adapter, whatever else there is, and opens it.
 * @throws DeviceError where this system does not allow it, or Dawn refuses what was installed.
 */
export async function installSoftware(name: SoftwareName, log: Log): Promise<FoundAdapter> {
  await INSTALL[name](log);
  const found = await openAdapter({ adapter: name });
  log(`Installed ${found.name} (${found.driver})`);
  return found;
}

/**
 * The adapter that `openAdapter` finds. If it finds none, or not the requested software adapter, installs one first: lavapipe if there are root and apt,
 * else SwiftShader. `log` is called with what is installed, before it is.
 * @throws DeviceError saying why each way failed and what to install by hand; InputError if the requested name is neither an adapter's nor one of
 * SOFTWARE_NAMES
 */
export async function ensureAdapter(log: Log, options: AdapterOptions = {}): Promise<FoundAdapter> {
  const wanted = wantedAdapter(options)?.toLowerCase();
  const { chosen } = await surveyAdapters(options);
  if (chosen) return chosen;
  const names = SOFTWARE_NAMES.filter((name) => !wanted || name === wanted);
  if (names.length === 0) return openAdapter(options); // throws, naming the adapters that there are
  const failures: string[] = [];
  for (const name of names) {
    if (failures.length > 0) log(`${failures[0]}; so ${name} instead`);
    try {
      return await installSoftware(name, log);
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new DeviceError(`no GPU adapter, and none could be installed (${failures.join('; ')}): ${howToInstallHere()}`);
}
