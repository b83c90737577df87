import AnchorDataPlane
import ControlAPI
import NetworkTypes

extension AccessRouterService {
    /// Of the NAT, where there is one.
    var translationMetrics: [MetricModel] {
        guard let translation = plane.translation else { return [] }
        let counts = translation.counts
        return [
            MetricModel(
                name: "flowanchor_nat_flows", kind: .gauge,
                help: "Translated flows by protocol, as they were at the last look.",
                samples: [
                    .init(Double(counts.tcp), labels: ["protocol": "tcp"]),
                    .init(Double(counts.udp), labels: ["protocol": "udp"]),
                    .init(Double(counts.icmp), labels: ["protocol": "icmp"]),
                ]),
            MetricModel(
                name: "flowanchor_nat_flow_capacity", kind: .gauge, help: "Flows that the table is made for.",
                samples: [.init(Double(translation.settings.flowCapacity))]),
            MetricModel(
                name: "flowanchor_nat_mappings", kind: .gauge,
                help: "Outside ports that flows use, and addresses that UDP ports are open for, at the last look.",
                samples: [
                    .init(Double(counts.mappings), labels: ["kind": "mapping"]),
                    .init(Double(counts.filters), labels: ["kind": "filter"]),
                ]),
            MetricModel(
                name: "flowanchor_nat_flows_ended_total", kind: .counter, help: "Flows that were over their time.",
                samples: [.init(Double(translation.expired))]),
            MetricModel(
                name: "flowanchor_nat_subscribers", kind: .gauge,
                help: "Hosts with an outside address, and hosts for which none was free.",
                samples: [
                    .init(Double(dataPlane.nat.subscribers.entries), labels: ["state": "assigned"]),
                    .init(Double(translation.unassigned), labels: ["state": "unassigned"]),
                ]),
            MetricModel(
                name: "flowanchor_nat_blocks_total", kind: .counter, help: "Blocks of ports given to hosts and back.",
                samples: [
                    .init(Double(translation.assigned), labels: ["action": "assigned"]),
                    .init(Double(translation.returned), labels: ["action": "returned"]),
                ]),
            blockMetric(translation), portMetric(translation),
            MetricModel(
                name: "flowanchor_nat_pass_seconds", kind: .gauge,
                help: "Time that the last look at all translations took, waiting included.",
                samples: [.init(lastTranslationPass.inSeconds)]),
        ]
    }

    /// Of these many addresses each has its own figures; of more, each range has.
    private static let addressesShown = 256

    private func outsideShown(_ translation: Translation) -> [OutsideRange] {
        let ranges = translation.pool.ranges
        guard ranges.reduce(0, { $0 + $1.count }) <= Self.addressesShown else { return ranges }
        return ranges.flatMap { range in
            (range.index..<range.end).compactMap { number in
                range.address(number: number).map { OutsideRange(first: $0, count: 1, index: number) }
            }
        }
    }

    private func blockMetric(_ translation: Translation) -> MetricModel {
        let samples = outsideShown(translation).flatMap { range in
            let free = (range.index..<range.end).reduce(0) { sum, number in
                sum + (range.address(number: number).map { translation.pool.free(of: $0) } ?? 0)
            }
            let all = range.count * BlockPool.perAddress
            return [
                MetricModel.Sample(Double(all - free), labels: ["outside": "\(range)", "state": "assigned"]),
                MetricModel.Sample(Double(free), labels: ["outside": "\(range)", "state": "free"]),
            ]
        }
        return MetricModel(
            name: "flowanchor_nat_blocks", kind: .gauge, help: "Blocks of ports by outside address.",
            samples: samples)
    }

    private func portMetric(_ translation: Translation) -> MetricModel {
        let samples = outsideShown(translation).flatMap { range in
            let blocks = (range.index..<range.end).flatMap { number in
                (PortBlock.first..<PortBlock.perAddress).map { PortBlock(outside: number, number: $0) }
            }
            let ports = dataPlane.nat.portsInUse(blocks)
            return [("tcp", ports.tcp), ("udp", ports.udp), ("icmp", ports.icmp)].map { name, count in
                MetricModel.Sample(Double(count), labels: ["outside": "\(range)", "protocol": name])
            }
        }
        return MetricModel(
            name: "flowanchor_nat_ports", kind: .gauge, help: "Ports in use by outside address.", samples: samples)
    }
}
