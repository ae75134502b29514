import type { Program } from "../program.ts";

const anyway = { reads: "always" } as const satisfies Program;
const grep = {
  reads: {
    options:
      "-E -F -G -P -i -v -w -x -c -l -L -n -H -h -o -q -s -r -R -a -I -z -Z -b -T -U -u -y -e: -f: -m: -A: -B: -C: -d: -D: --color=? --colour=? " +
      "--extended-regexp --fixed-strings --perl-regexp --ignore-case --invert-match --word-regexp --line-regexp --count " +
      "--files-with-matches --files-without-match --line-number --with-filename --no-filename --only-matching --quiet --silent " +
      "--no-messages --recursive --dereference-recursive --text --null --null-data --line-buffered --regexp= --file= --max-count= " +
      "--after-context= --before-context= --context= --include= --exclude= --exclude-dir= --exclude-from= --binary-files= --label=",
    numbers: true,
  },
} as const satisfies Program;
const awk = { script: "awk" } as const satisfies Program;
const compressed = {
  reads: { options: "-c -d -f -k -l -t -v -q" },
} as const satisfies Program;

/** Programs that read text. Those that read whatever their options say are the ones none of whose options writes or runs anything. */
export const text = {
  awk,
  b2sum: anyway,
  base32: anyway,
  base64: { reads: { options: "-d -i -w: --decode --ignore-garbage --wrap=", operands: 1 } },
  basename: anyway,
  cat: anyway,
  cksum: anyway,
  cmp: anyway,
  column: { reads: { options: "-t -s: -o: -n -c: -x -J -N: -R: --table --separator= --output-separator= --json" } },
  comm: anyway,
  cut: anyway,
  diff: {
    reads: {
      options:
        "-u -U: -c -C: -r -q -s -y -i -w -b -B -a -N -W: -x: --brief --unified=? --recursive --side-by-side --color=? --exclude= --strip-trailing-cr",
      operands: 2,
    },
  },
  dirname: anyway,
  egrep: grep,
  expand: anyway,
  expr: { reads: { every: /^[\w .:/+*%()<>=!&|-]*$/ } },
  fgrep: grep,
  fmt: anyway,
  fold: anyway,
  gawk: awk,
  grep,
  head: anyway,
  hexdump: { reads: { options: "-C -c -d -o -x -v -n: -s: -e:" } },
  jq: {
    reads: {
      options:
        "-r -c -e -s -n -S -M -C -a -j -R --raw-output --compact-output --exit-status --slurp --null-input --sort-keys --raw-input --tab --join-output --seq --stream",
      // Modules name files inside the script.
      operand: /^(?!.*(?:import|include))/s,
    },
  },
  join: anyway,
  less: {
    reads: {
      options: "-N -R -S -F -X -i -I -n -E -e -r --raw-control-chars --chop-long-lines --quit-if-one-screen",
      operand: /^[^+]/,
    },
    pages: "always",
    opaque: "with options that may start programs",
  },
  mawk: awk,
  md5sum: anyway,
  more: {
    reads: { options: "-d -f -l -p -c -s -u -n:", operand: /^[^+]/ },
    pages: "always",
    opaque: "with options that may start programs",
  },
  nawk: awk,
  nl: anyway,
  numfmt: anyway,
  od: anyway,
  paste: anyway,
  rev: anyway,
  sed: { script: "sed" },
  seq: anyway,
  sha1sum: anyway,
  sha224sum: anyway,
  sha256sum: anyway,
  sha384sum: anyway,
  sha512sum: anyway,
  sort: {
    reads: {
      options:
        "-b -d -f -g -i -M -h -n -R -r -V -k: -t: -u -c -C -s -z -m --numeric-sort --human-numeric-sort --reverse --unique --key= --field-separator= --version-sort --general-numeric-sort --stable --ignore-case --check=? --parallel=",
    },
    acts: { options: "-b -f -g -h -n -r -V -k: -t: -u -s -o: --output=", needs: "-o --output" },
    opaque: "with options that may start programs",
  },
  split: {
    acts: { options: "-l: -b: -C: -d -a: -n: -x --lines= --bytes= --numeric-suffixes=?" },
    opaque: "with options that may start programs",
  },
  strings: { reads: { options: "-a -f -n: -t: -e: -o --all --bytes= --radix=", numbers: true } },
  sum: anyway,
  tac: anyway,
  tail: anyway,
  tr: anyway,
  tsort: anyway,
  unexpand: anyway,
  uniq: {
    reads: {
      options:
        "-c -d -D -u -i -z -f: -s: -w: --count --repeated --unique --ignore-case --all-repeated=? --skip-fields= --skip-chars= --check-chars=",
      operands: 1,
    },
  },
  wc: anyway,
  xxd: { reads: { options: "-a -b -c: -e -g: -i -l: -p -s: -u -ps", operands: 1 } },
  xzcat: compressed,
  zcat: compressed,
  zgrep: {
    reads: { options: "-E -F -i -v -w -c -l -n -H -h -o -q -e: -A: -B: -C:", numbers: true },
    opaque: "with options that are not understood",
  },
  zstdcat: compressed,
  bzcat: compressed,
} as const satisfies Readonly<Record<string, Program>>;
