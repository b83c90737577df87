import Foundation
import NetworkTypes

/// What both stories are told with: a lab, downloads with a progress bar, datagrams that are counted, and captures.
final class DemoStage {
    let family: AddressFamily
    let write: (String) -> Void
    let lab: Lab
    let server: WebServer
    var names: AddressNames
    var place = "at router 1"
    private(set) var downloads: [Download] = []
    private var bar: ProgressBar
    /// When the node was on the link of a router, in nanoseconds of CLOCK_MONOTONIC.
    private var moves: [(router: Int, moment: UInt64)] = []
    static let fileSize = 64 << 20
    private static let datagramRate = 1000

    /// - Parameters:
    ///   - isTerminal: whether lines may be drawn over.
    ///   - write: takes text, with its line ends.
    ///   - bytesPerSecond: of each download.
    ///   - start: starts the daemons and attaches the node to router 1.
    init(
        _ family: AddressFamily, _ plan: LabPlan, bytesPerSecond: Int = 2 << 20, isTerminal: Bool,
        write: @escaping (String) -> Void, start: (Lab) throws -> Void
    ) throws {
        self.family = family
        self.write = write
        bar = ProgressBar(total: Self.fileSize, isTerminal: isTerminal)
        lab = try Lab(plan)
        names = AddressNames(["C": AddressPlan.correspondent(family)])
        for (router, name) in [(1, "oA"), (2, "nA"), (3, "cA")] { names[name] = AddressPlan.endpoint(router, family) }
        try start(lab)
        server = try WebServer(on: lab, fileSize: Self.fileSize, random: true, bytesPerSecond: bytesPerSecond)
    }

    /// Takes all of it away.
    func close() { lab.remove() }

    func heading(_ text: String) { write("\n\(text)\n") }

    func legend() {
        let known = ["C", "oA", "nA", "cA", "M", "oM", "nM", "cM"].compactMap { name in
            names[name].map { "\(name) \($0)" }
        }
        write("  " + known.joined(separator: "   ") + "\n")
    }

    func name(_ address: IPAddress?) -> String { address.map(names.name(of:)) ?? "-" }

    func download(_ name: String) throws -> Download {
        let download = try Download(on: lab, from: server, family: family, name: name)
        downloads.append(download)
        return download
    }

    /// Beside downloads, datagrams that are counted: TCP sends again what is lost, and hides it.
    func countedDatagrams(from source: IPAddress) throws -> NumberedTraffic {
        try NumberedTraffic(on: lab, from: source, rate: Self.datagramRate)
    }

    /// Draws the progress until so many more bytes are there or the download has ended.
    func advance(_ download: Download, by bytes: Int) throws {
        let goal = min(download.bytes + bytes, Self.fileSize)
        let arrived = pollUntil(timeout: .seconds(60), every: 50) {
            bar.show(downloads[0].bytes, place, write)
            return download.bytes >= goal || !download.process.isRunning
        }
        if !arrived { throw LabError.timedOut("the download to go on; it stopped at \(download.bytes) bytes") }
        if download.bytes >= Self.fileSize { _ = download.process.wait(timeout: .seconds(5)) }
    }

    /// Notes a move, and says what has arrived since.
    func moved(to router: Int, _ download: Download, _ move: () throws -> UInt64, then: () throws -> Void) throws {
        place = "at router \(router)"
        let before = download.bytes
        moves.append((router, try move()))
        try advance(download, by: 512 << 10)
        try then()
        bar.end(write)
        write("  \(download.bytes - before) bytes have arrived since the move.\n")
    }

    /// What passes the links of routers while the downloads go on for a while.
    func show(_ download: Download, routers: [Int], tables: () throws -> Void) throws {
        let links = routers.flatMap { ["ar\($0)-access", "fw\($0)-inside", "ar\($0)-core"] } + ["cn"]
        let captures = try lab.capture(links, label: "show-\(download.bytes)", snapLength: 128)
        for download in downloads { try advance(download, by: 256 << 10) }
        captures.forEach { $0.stop() }
        bar.end(write)
        try tables()
        var table = TextTable(header: ["link", "up", "down"])
        for capture in captures {
            let packets = try capture.packets(filter: "tcp.port == 80")
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

    /// Lets the first download end, and says what came of all of them.
    /// - Returns: whether it arrived whole and the other one goes on.
    func finish(_ download: Download, _ second: Download, _ traffic: NumberedTraffic) throws -> Bool {
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
}
