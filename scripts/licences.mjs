// Lists the licences of what is installed with the package, from npm's own bill of materials, and fails for one that is not permissive.
//   npm run licences
import { execFileSync } from 'node:child_process';

/** SPDX names of licences that ask for no more than that they are named. */
const PERMISSIVE = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'Unlicense',
  'Zlib',
];

const npm = process.env.npm_execpath;
const args = ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev'];
const bill = npm
  ? execFileSync(process.execPath, [npm, ...args], { encoding: 'utf8' })
  : execFileSync('npm', args, { encoding: 'utf8', shell: process.platform === 'win32' });

/** Whether a licence, or one of several that can be chosen from, is permissive. */
function isPermissive(licence) {
  return licence
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((name) => PERMISSIVE.includes(name)));
}

const byLicence = new Map();
for (const { name, version, licenses = [] } of JSON.parse(bill).components) {
  const licence =
    licenses.map(({ license, expression }) => expression ?? license?.id ?? license?.name).join(' AND ') || 'none';
  byLicence.set(licence, [...(byLicence.get(licence) ?? []), `${name}@${version}`]);
}
for (const [licence, names] of [...byLicence].sort(([, a], [, b]) => b.length - a.length)) {
  console.log(`${licence} (${names.length}): ${names.join(', ')}`);
  if (!isPermissive(licence)) {
    console.error(`error: ${licence} is not among ${PERMISSIVE.join(', ')}`);
    process.exitCode = 1;
  }
}
