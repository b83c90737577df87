import Foundation
import NetworkTypes

/// A DHCP server in the core for all routers, and a relay at each of them.
///
/// The block of addresses is the same at all routers, so one server gives them out: of several that each have the whole
/// block, two would give the same address to two nodes, and none would know what another has leased. All routers have
/// the same gateway address on their access links, which answers can't be sent to: a relay gives its own address in the
/// core to be answered at, and says which link is meant beside it (RFC 3527).
final class AddressServer {
    private let server: BackgroundProcess
    /// By router.
    private var relays: [Int: BackgroundProcess] = [:]

    /// The server's address, one of the operator's core.
    static let address = IPAddress("192.0.2.253")!
    /// Seconds. Those of the lease's states are as short as a run is, and not in proportion to it.
    static let leaseTime = 3600
    static let (renewal, rebinding) = (5, 10)

    init(on lab: Lab) throws {
        let block = AddressPlan.roamingBlock(1, .v4)
        guard let first = block.address(at: 100), let last = block.address(at: 199) else {
            throw LabError.unknownName("block", "\(block)", known: [])
        }
        try lab.run(["ip", "addr", "replace", "\(Self.address)/32", "dev", "lo"], on: "net")
        server = try lab.start(
            [
                "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root",
                "--log-facility=-", "--log-dhcp", "--port=0", "--dhcp-authoritative", "--no-ping",
                "--dhcp-leasefile=\(lab.identity.folder)/dhcp.leases",
                "--dhcp-range=\(first),\(last),255.255.255.0,\(Self.leaseTime)",
                "--dhcp-option=option:router,\(AddressPlan.commonGateway(.v4))",
                // When a client asks this server to renew its lease, and when all servers.
                "--dhcp-option-force=option:T1,\(Self.renewal)", "--dhcp-option-force=option:T2,\(Self.rebinding)",
            ], on: "net", name: "dhcp-server")
        try server.waitUntil("listening") {
            (try? lab.run(["ss", "-Hulpn", "sport = :67"], on: "net"))?.contains(":67") ?? false
        }
        for router in 1...lab.plan.routers {
            // In this order: with -U before -iu, it ends at the first message.
            let relay = try lab.start(
                [
                    "dhcrelay", "-4", "-d", "--no-pid", "-a", "-iu", "core0", "-id", "acc0", "-U", "core0",
                    "\(Self.address)",
                ], on: "ar\(router)", name: "dhcp-relay-\(router)")
            relays[router] = relay
            try relay.waitUntil("listening") {
                (try? lab.run(["ss", "-Hulpn", "sport = :67"], on: "ar\(router)"))?.contains(":67") ?? false
            }
        }
    }

    /// Messages of clients that a router's relay has sent on.
    func relayed(by router: Int) -> Int {
        (relays[router]?.log ?? "").split(separator: "\n").count { $0.hasPrefix("Forwarded BOOTREQUEST") }
    }
}

/// The node's DHCP client, dhclient, with its leases and its script in the lab's folder.
final class AddressClient {
    private let lab: Lab
    private let folder: String
    private var process: BackgroundProcess?
    private var runs = 0

    init(on lab: Lab) throws {
        self.lab = lab
        folder = "\(lab.identity.folder)/dhclient"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for file in ["leases", "dhclient.conf"] {
            _ = FileManager.default.createFile(atPath: "\(folder)/\(file)", contents: nil)
        }
        // As the distribution's script does it, without the resolver's configuration, which is the machine's.
        try """
        #!/bin/sh
        case $reason in
        PREINIT) ip link set "$interface" up ;;
        BOUND | RENEW | REBIND | REBOOT)
        	ip addr replace "$new_ip_address/$new_subnet_mask" dev "$interface"
        	ip route replace default via "$new_routers" dev "$interface"
        	;;
        EXPIRE | FAIL | RELEASE | STOP) ip -4 addr flush dev "$interface" ;;
        esac

        """.write(toFile: folder + "/script", atomically: true, encoding: .utf8)
        guard chmod(folder + "/script", 0o700) == 0 else {
            throw LabError.file(folder + "/script", String(cString: strerror(errno)))
        }
    }

    /// Starts it, as when an interface comes up: with a lease that is still good it asks for that one again
    /// (INIT-REBOOT, RFC 2131, section 3.2).
    /// - Returns: what it has said and heard until it was bound.
    func ask() throws -> String {
        // It knows nothing of the end: asked to end, it would give its lease back.
        process?.stop(SIGKILL)
        runs += 1
        let process = try lab.start(
            [
                "dhclient", "-4", "-d", "-v", "-1", "--no-pid", "-cf", folder + "/dhclient.conf", "-lf",
                folder + "/leases", "-sf", folder + "/script", "wlan0",
            ], on: "mn", name: "dhclient-\(runs)")
        self.process = process
        try process.waitUntil("a lease", timeout: .seconds(40)) { process.log.contains("bound to ") }
        return process.log
    }

    /// Waits until its lease has been renewed since it was bound.
    /// - Returns: all that it has said and heard.
    func waitForRenewal() throws -> String {
        guard let process else { return "" }
        try process.waitUntil("a renewed lease", timeout: .seconds(60)) {
            process.log.split(separator: "\n").count { $0.hasPrefix("bound to ") } >= 2
        }
        return process.log
    }

    /// The address that the interface has.
    var address: IPAddress? {
        get throws {
            let lines = try lab.run(["ip", "-4", "-o", "addr", "show", "dev", "wlan0"], on: "mn").split(separator: "\n")
            // 7: wlan0    inet 10.64.0.100/24 …
            let addresses = lines.compactMap { line -> IPAddress? in
                let words = line.split(separator: " ")
                guard words.count > 3, let text = words[3].split(separator: "/").first else { return nil }
                return IPAddress(String(text))
            }
            let block = AddressPlan.roamingBlock(1, .v4)
            return addresses.first { block.contains($0) }
        }
    }
}
