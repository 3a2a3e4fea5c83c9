/**
 * File systems that may not answer, because a server or a program provides them (NFS, SMB, FUSE, 9p). When it is
 * gone, access to a file there blocks, often indefinitely. The mount table tells whether a path is on one, without
 * access to anything below the mount. On systems without that table every path counts as local. This module uses only
 * node:*, because the keeper loads it.
 */
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';

/** Types that are backed by a disk, memory or the kernel. Any other type may hang. */
const localTypes = new Set(
  (
    'ext2 ext3 ext4 xfs btrfs zfs f2fs jfs reiserfs bcachefs nilfs2 erofs squashfs iso9660 udf vfat exfat msdos ' +
    'ntfs ntfs3 hfs hfsplus apfs overlay aufs tmpfs ramfs rootfs devtmpfs devpts proc sysfs cgroup cgroup2 ' +
    'securityfs debugfs tracefs pstore bpf configfs efivarfs mqueue hugetlbfs fusectl binfmt_misc nsfs selinuxfs'
  ).split(' '),
);
const linksMax = 40;

export type Mount = { readonly at: string; readonly type: string };

/** Time for which the table is cached: one launch checks several paths. */
const freshMs = 50;

let last = { text: '', remote: new Map<string, Mount>(), at: Number.NEGATIVE_INFINITY };

export type RemoteMounts = ReadonlyMap<string, Mount>;

/** Returns the remote mount that contains a path; null for a local path, whether or not it exists. */
export function findRemoteMount(path: string, mounts: RemoteMounts = remoteMounts()): Mount | null {
  return mounts.size === 0 ? null : walk(path, mounts);
}

/** Returns whether there is any remote mount. Usually there is none, and no path needs to be checked. */
export function hasRemoteMounts(): boolean {
  return remoteMounts().size > 0;
}

/**
 * Walks a path component by component. A mount is recognized before anything in it is accessed, and a link is followed
 * by its text.
 */
function walk(path: string, mounts: RemoteMounts): Mount | null {
  let rest = resolve('/', path).split('/').filter(Boolean);
  let at = '/';
  for (let links = 0; rest.length > 0; ) {
    const [name = '', ...more] = rest;
    if (name === '..') {
      at = dirname(at);
      rest = more;
      continue;
    }
    const next = join(at, name);
    const mount = mounts.get(next);
    if (mount !== undefined) return mount;
    const target = linkTarget(next);
    rest = more;
    if (target === null) at = next;
    else {
      links += 1;
      if (links > linksMax) return null;
      rest = [...target.split('/').filter((each) => each !== '' && each !== '.'), ...more];
      if (isAbsolute(target)) at = '/';
    }
  }
  return null;
}

function linkTarget(path: string): string | null {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : null;
  } catch {
    // Missing or not accessible, so nothing below it is accessible either.
    return null;
  }
}

/** Reads the remote mounts from the mount table (0.06 ms), by path. */
export function remoteMounts(): RemoteMounts {
  const at = performance.now();
  if (at - last.at < freshMs) return last.remote;
  const text = mountTable();
  last = { text, remote: text === last.text ? last.remote : parseRemoteMounts(text), at };
  return last.remote;
}

function mountTable(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return '';
  }
}

/** Parses the mount table. Of several mounts at one path, the last one is visible. */
export function parseRemoteMounts(mountinfo: string): Map<string, Mount> {
  const remote = new Map<string, Mount>();
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const at = left
      .split(' ')[4]
      ?.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
    const [type = ''] = right.split(' ');
    if (at === undefined || type === '') continue;
    if (localTypes.has(type)) remote.delete(at);
    else remote.set(at, { at, type });
  }
  return remote;
}
