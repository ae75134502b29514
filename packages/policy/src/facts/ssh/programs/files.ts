import type { Program } from "../program.ts";

const anyway = { reads: "always" } as const satisfies Program;
/** Changes files, and runs nothing whatever its options say. */
const changes = { acts: "always" } as const satisfies Program;

/** Programs that look at files and change them. */
export const files = {
  chgrp: changes,
  chmod: changes,
  chown: changes,
  cp: changes,
  cpio: {
    reads: {
      options: "-i -t -v --list --quiet -n -F: -I: --file=",
      needs: "-t --list",
      values: { "-F": /^[^:]+$/, "-I": /^[^:]+$/, "--file": /^[^:]+$/ },
    },
    opaque: "may start programs to reach its archive",
  },
  dd: { reads: { every: /^(?:if=.*|bs=\w+|count=\w+|skip=\w+|status=\w+|iflag=[\w,]+)$/ } },
  df: anyway,
  du: anyway,
  file: { reads: { options: "-b -i -L -h -k -N -n -r -s --brief --mime --mime-type --mime-encoding --dereference" } },
  find: { script: "find" },
  findmnt: {
    reads: {
      options:
        "-A -a -b -C -D -d: -e -f -i -J -l -n -o: -P -r -s -S: -T: -t: -u -v --all --json --output= --source= --target= --types= --raw --noheadings --df --real --list",
    },
  },
  getfacl: anyway,
  gzip: {
    reads: { options: "-l -t -v -c -d --list --test", needs: "-l -t --list --test" },
    acts: { options: "-c -d -f -k -r -v -q -n --keep --force --decompress --stdout", numbers: true },
  },
  gunzip: { reads: { options: "-l -t -v", needs: "-l -t" } },
  install: {
    acts: { options: "-d -m: -o: -g: -D -v -t: -T -C -p --mode= --owner= --group= --directory" },
    opaque: "with options that may start programs",
  },
  ln: changes,
  ls: anyway,
  lsattr: anyway,
  lsblk: anyway,
  lsof: {
    reads: {
      every: /^(?:-i[\w:@.,-]*|-s(?:TCP|UDP):[\w^,]+|-[nPtalbwKLNRUV]+i?|-[pucdg][\w,^./-]*|\+[Dd]|\+L1|[^-+].*)$/,
    },
  },
  md5: anyway,
  mkdir: changes,
  mkfifo: changes,
  mknod: changes,
  mktemp: changes,
  mount: { reads: { options: "-l -t: -v", operands: 0 }, opaque: "may start programs for file systems" },
  mv: changes,
  namei: anyway,
  readlink: anyway,
  realpath: anyway,
  rm: changes,
  rmdir: changes,
  shred: changes,
  stat: anyway,
  swapon: { reads: { options: "-s --show=? --summary --noheadings --bytes --raw", needs: "-s --show --summary", operands: 0 } },
  sync: changes,
  tar: {
    reads: {
      options: "-t -f: -z -j -J -v -a --list --file= --gzip --bzip2 --xz --zstd --verbose",
      needs: "-t --list",
      values: { "-f": /^[^:]+$/, "--file": /^[^:]+$/ },
      bundled: true,
    },
    acts: {
      options:
        "-c -x -r -u -f: -z -j -J -v -a -p -k -C: -h -P --create --extract --file= --gzip --bzip2 --xz --zstd --verbose --directory= --exclude= --strip-components= --no-same-owner --numeric-owner",
      values: { "-f": /^[^:]+$/, "--file": /^[^:]+$/ },
      bundled: true,
    },
    opaque: "may start programs (--checkpoint-action, --to-command, -I …)",
  },
  tee: changes,
  touch: changes,
  tree: {
    reads: {
      options:
        "-a -d -f -i -L: -P: -I: -p -u -g -s -h -D -F -C -n -t -r -x -J -X --du --noreport --dirsfirst --prune --filelimit=",
    },
  },
  truncate: changes,
  umount: { acts: { options: "-l -f -v -R -n -a -t:" }, opaque: "with options that are not understood" },
  unlink: changes,
  unzip: { reads: { options: "-l -v -Z -t -p -q", needs: "-l -v -Z -t -p" }, acts: { options: "-o -n -q -d: -j" } },
  vdir: anyway,
  zip: { acts: { options: "-r -q -j -9 -1 -u -x: -m -y" }, opaque: "may start programs (-T, -TT, -O)" },
  zipinfo: anyway,
} as const satisfies Readonly<Record<string, Program>>;
