import FlowAnchorABI
import NetworkTypes

/// `fa_subscribers`: inside hosts and their blocks of ports, by inside address.
struct SubscribersView: MapView {
    let nat: NATTable

    func scan(_ body: (NATSubscriber) -> Bool) {
        nat.memory.subscribers.visit({ slot, index, _ in NATSubscriber(slot, index: index) }, body)
    }

    func matcher(_ key: String) throws(DataPlaneError) -> (NATSubscriber) -> Bool {
        let address = try KeyText.address(key)
        return { $0.inside == address }
    }

    func entry(_ subscriber: NATSubscriber) -> MapEntry {
        MapEntry(
            key: "\(subscriber.inside)",
            fields: [
                "index": "\(subscriber.index)", "outside": "\(subscriber.outside)",
                "flows": "\(subscriber.flows)", "flow-limit": "\(subscriber.flowLimit)",
                "refused": "\(subscriber.refused)", "wants-block": "\(subscriber.wantsBlock)",
                "blocks": subscriber.blocks.map(\.description).joined(separator: " "),
            ])
    }
}
