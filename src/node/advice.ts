import { existsSync, readFileSync } from 'node:fs';

/** What to install to get an adapter, for a platform and (on Linux) the text of /etc/os-release. */
export function howToInstall(platform: NodeJS.Platform, osRelease: string): string {
  if (platform === 'darwin')
    return 'Dawn needs a Mac with Metal and macOS 13 or later; there is no software adapter for macOS';
  if (platform === 'win32') return "Dawn needs Direct3D 12: install your graphics card's current driver";
  const ids = [...osRelease.matchAll(/^ID(?:_LIKE)?="?([^"\n]+)/gm)].flatMap((match) => match[1].split(' '));
  const has = (...names: string[]) => names.some((name) => ids.includes(name));
  if (has('debian', 'ubuntu')) {
    return "install your GPU's Vulkan driver, or Mesa 25 or later (Debian 12: from bookworm-backports) with `sudo apt-get install mesa-vulkan-drivers libvulkan1`";
  }
  if (has('fedora', 'rhel', 'centos')) {
    return "install your GPU's Vulkan driver, or Mesa 25 or later with `sudo dnf install mesa-vulkan-drivers vulkan-loader`";
  }
  if (has('arch'))
    return 'install a Vulkan driver with `sudo pacman -S vulkan-icd-loader vulkan-swrast` (software) or that of your GPU';
  if (ids.some((id) => id.includes('suse'))) {
    return "install your GPU's Vulkan driver, or Mesa's with `sudo zypper install libvulkan1 libvulkan_lvp`";
  }
  return "install the Vulkan loader (libvulkan.so.1) and your GPU's Vulkan driver, or Mesa's lavapipe, version 25 or later";
}

/** `howToInstall` for this machine. */
export function howToInstallHere(): string {
  const release = '/etc/os-release';
  return howToInstall(process.platform, existsSync(release) ? readFileSync(release, 'utf8') : '');
}

/** What is probably wrong if the kernel has an NVIDIA GPU and Vulkan does not show it; undefined otherwise. */
export function nvidiaAdvice(names: string[]): string | undefined {
  if (!existsSync('/dev/nvidiactl') || names.some((name) => /nvidia/i.test(name))) return undefined;
  return "there is an NVIDIA GPU (/dev/nvidiactl), but its Vulkan driver is not to be seen: in a container set NVIDIA_DRIVER_CAPABILITIES=all and install libxext6 and libegl1; elsewhere install the driver's GL package (Ubuntu: libnvidia-gl-VERSION)";
}
