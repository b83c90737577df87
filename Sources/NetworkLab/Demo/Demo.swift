import Foundation
import NetworkTypes

/// The story of the project, told as it happens: a download that begins at router 1 goes on through
/// two moves, and never leaves the firewall that knows it.
public final class Demo {
    private let family: AddressFamily
    private let write: (String) -> Void
    private let lab: Lab
    private var names: AddressNames
    private var bar: ProgressBar
    private var place = "at router 1"
    private let server: WebServer
    private var downloads: [Download] = []
    /// When the link at a router was up, in nanoseconds of CLOCK_MONOTONIC.
    private var moves: [(router: Int, moment: UInt64)] = []
    private static let fileSize = 64 << 20

    /// Builds the lab and starts all that runs in it.
    /// - Parameters:
    ///   - isTerminal: whether lines may be drawn over.
    ///   - write: takes text, with its line ends.
    public init(_ family: AddressFamily, isTerminal: Bool, write: @escaping (String) -> Void) throws {
        self.family = family
        self.write = write
        bar = ProgressBar(total: Self.fileSize, isTerminal: isTerminal)
        write("Building the network: a correspondent, three access routers with a stateful firewall each, a laptop.\n")
        lab = try Lab(LabPlan())
        names = AddressNames(["C": AddressPlan.correspondent(family)])
        for (router, name) in [(1, "oA"), (2, "nA"), (3, "cA")] { names[name] = AddressPlan.endpoint(router, family) }
        try lab.startRouters()
        try lab.attach(to: 1)
        try lab.startNode()
        server = try WebServer(on: lab, fileSize: Self.fileSize, random: true, bytesPerSecond: 2 << 20)
    }

    /// Tells the story.
    /// - Returns: whether the download arrived whole.
    public func run() throws -> Bool {
        write(Self.picture)
        names["oM"] = try lab.waitForAttachment(to: 1, family)
        legend()
        heading("1. At router 1, the laptop starts a download")
        let download = try Download(on: lab, from: server, family: family, name: "download")
        downloads.append(download)
        // Beside it, datagrams that are counted: TCP sends again what is lost, and hides it.
        let traffic = try NumberedTraffic(on: lab, from: names["oM"]!, rate: Self.datagramRate)
        try advance(download, by: 2 << 20)
        try show(download, routers: [1])

        heading("2. The laptop moves to router 2; the download goes on, through router 1 and its firewall")
        try move(to: 2, named: "nM", download)
        try show(download, routers: [1, 2])
        heading("   What it opens now uses router 2 and its firewall")
        let second = try Download(on: lab, from: server, family: family, name: "second")
        downloads.append(second)
        try advance(download, by: 1 << 20)
        try show(download, routers: [2])

        heading("3. The laptop moves to router 3; both downloads go on, each through its own firewall")
        try move(to: 3, named: "cM", download)
        try show(download, routers: [1, 2, 3])

        heading("4. The download ends")
        while download.process.isRunning { try advance(download, by: 1 << 20) }
        bar.show(download.bytes, place, write)
        bar.end(write)
        let copy = try Command(["cmp", server.filePath, download.path]).run()
        let whole = download.process.exitStatus == 0 && copy.succeeded
        let secondRuns = second.process.isRunning || second.process.exitStatus == 0
        write(
            "\n  Download:     \(download.bytes) of \(Self.fileSize) bytes, \(whole ? "each as it was sent" : "NOT as they were sent")\n"
        )
        write("  Second one:   \(secondRuns ? "running on" : "BROKEN"), \(second.bytes) bytes so far\n")
        try report(traffic)
        for router in 1...3 {
            let counters = try lab.firewallCounters(router)
            write(
                "  Firewall \(router):   \(counters.begun) connections begun, \(counters.known) packets of connections it knows\n"
            )
        }
        return whole && secondRuns
    }

    /// Takes all of it away.
    public func close() { lab.remove() }

    private func heading(_ text: String) { write("\n\(text)\n") }

    private func legend() {
        let known = ["C", "oA", "nA", "cA", "oM", "nM", "cM"].compactMap { name in names[name].map { "\(name) \($0)" } }
        write("  " + known.joined(separator: "   ") + "\n")
    }

    /// Draws the progress until so many more bytes are there or the download has ended.
    private func advance(_ download: Download, by bytes: Int) throws {
        let goal = min(download.bytes + bytes, Self.fileSize)
        let arrived = pollUntil(timeout: .seconds(60), every: 50) {
            bar.show(downloads[0].bytes, place, write)
            return download.bytes >= goal || !download.process.isRunning
        }
        if !arrived { throw LabError.timedOut("the download to go on; it stopped at \(download.bytes) bytes") }
        if download.bytes >= Self.fileSize { _ = download.process.wait(timeout: .seconds(5)) }
    }

    private func move(to router: Int, named name: String, _ download: Download) throws {
        place = "at router \(router)"
        let before = download.bytes
        moves.append((router, try AirSwitch(lab).attach(to: router)))
        try advance(download, by: 512 << 10)
        names[name] = try lab.waitForAttachment(to: router, family)
        bar.end(write)
        write("  \(download.bytes - before) bytes have arrived since the move.\n")
        legend()
    }

    private func show(_ download: Download, routers: [Int]) throws {
        let links = routers.flatMap { ["ar\($0)-access", "fw\($0)-inside", "ar\($0)-core"] } + ["cn"]
        let captures = try lab.capture(links, label: "show-\(download.bytes)", snapLength: 128)
        for download in downloads { try advance(download, by: 256 << 10) }
        captures.forEach { $0.stop() }
        bar.end(write)
        try showTables()
        var table = TextTable(header: ["link", "up", "down"])
        for capture in captures {
            let packets = try capture.packets(filter: "tcp")
            let stacks = packets.reduce(into: [HeaderStack: Int]()) { $0[$1.stack, default: 0] += 1 }
            func list(up: Bool) -> [String] {
                stacks.filter { ($0.key.innermost?.destination == names["C"]) == up }
                    .map { "\($0.key.notation(names)) × \($0.value)" }.sorted()
            }
            let (ups, downs) = (list(up: true), list(up: false))
            for line in 0..<max(ups.count, downs.count, 1) {
                table.rows.append([
                    line == 0 ? capture.link : "", line < ups.count ? ups[line] : (line == 0 ? "-" : ""),
                    line < downs.count ? downs[line] : (line == 0 ? "-" : ""),
                ])
            }
        }
        write("  Header stacks as captured, and how many packets:\n")
        write(table.lines(indent: "    ").joined(separator: "\n") + "\n")
    }

    /// The tables of Figure 4.
    private func showTables() throws {
        var node = TextTable(header: ["oAR", "CN", "MN"])
        let flows = try lab.flows().filter { $0.address.family == family }
        node.rows = flows.filter { $0.transport == "tcp" && $0.state == "open" }
            .map { [name($0.anchor), name($0.correspondent), name($0.address)] }.sorted { $0[2] < $1[2] }
        var hosts = TextTable(header: ["router", "oMN", "nMN"])
        for router in 1...3 {
            let rows = try lab.hosts(at: router).filter { $0.address.family == family }
            for row in rows { hosts.rows.append(["\(router)", name(row.address), name(row.careOf)]) }
            if rows.isEmpty { hosts.rows.append(["\(router)", "", ""]) }
        }
        write("  Flow table of the laptop:\n" + node.lines(indent: "    ").joined(separator: "\n") + "\n")
        write("  Host tables of the routers:\n" + hosts.lines(indent: "    ").joined(separator: "\n") + "\n")
    }

    private func name(_ address: IPAddress?) -> String { address.map(names.name(of:)) ?? "-" }

    /// What became of the datagrams.
    private func report(_ traffic: NumberedTraffic) throws {
        let (up, down) = try traffic.stop()
        let all = up.sent + down.sent
        write(
            "  Losses:       \(up.lost + down.lost) of \(all) datagrams, sent \(Self.datagramRate) a second in each direction meanwhile; "
                + "\(up.repeated + down.repeated) came twice\n")
        for move in moves {
            let waits = [("up", up), ("down", down)].map { direction, outcome in
                let first = outcome.arrivals.first { $0.time >= move.moment }
                return first.map { String(format: "%.1f ms \(direction)", Double($0.time - move.moment) / 1e6) }
                    ?? "for ever \(direction)"
            }
            write("  Interruption: \(waits.joined(separator: ", ")), from the link being up at router \(move.router)\n")
        }
    }

    private static let datagramRate = 1000

    private static let picture = """

                                       firewall 1
                                            |
                            +---------- router 1 (oA) ~ ~ ~ .
                            |          firewall 2            .
          web server        |               |                 .
              C -------- network ------ router 2 (nA) ~ ~ ~ ~  laptop
                            |          firewall 3             '
                            |               |                '
                            +---------- router 3 (cA) ~ ~ ~ '


        """
}
