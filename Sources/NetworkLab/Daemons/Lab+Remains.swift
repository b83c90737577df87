import Foundation

/// What daemons leave in the kernel and in files, for those who expect nothing of it.
extension Lab {
    /// Runs the control program on a machine, to its end whatever becomes of it.
    func control(_ arguments: [String], on machine: String) throws -> CommandResult {
        try Command([Self.ownProgram("anchorctl")] + arguments, in: namespace(machine)).run()
    }

    /// Lines about an interface's XDP program, as `ip link show` has them: empty for none.
    func programs(on machine: String) throws -> [String] {
        try run(["ip", "-details", "link", "show"], on: machine).split(separator: "\n")
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { $0.hasPrefix("prog/xdp") }
    }

    /// What the daemon of a machine has there that would not be there without it, its state directory apart.
    func remains(on machine: String) throws -> [String] {
        let pins = "\(LabRemoval.pinFolder)/\(namespace(machine))"
        var found = [pins, controlSocket(machine)].filter { FileManager.default.fileExists(atPath: $0) }
        found += try programs(on: machine)
        let disciplines = try run(["tc", "qdisc", "show"], on: machine).split(separator: "\n").map(String.init)
        found += disciplines.filter { $0.contains("clsact") }
        if machine == "mn" {
            for family in ["-4", "-6"] {
                found += try run(["ip", family, "-o", "addr", "show", "scope", "global"], on: machine)
                    .split(separator: "\n").map(String.init)
                found += try run(["ip", family, "rule", "show"], on: machine).split(separator: "\n").map(String.init)
                    .filter { !["0:", "32766:", "32767:"].contains($0.prefix { !$0.isWhitespace }) }
                found += try run(["ip", family, "route", "show", "default"], on: machine)
                    .split(separator: "\n").map(String.init)
            }
        }
        return found
    }
}
