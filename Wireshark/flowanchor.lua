-- Dissector of FlowAnchor's anchor protocol, UDP port 4346.
--
--   tshark -X lua_script:Wireshark/flowanchor.lua -r capture.pcap -Y flowanchor
--
-- or copy it into Wireshark's folder of personal Lua plugins (Help, About, Folders). The format is described in
-- Documentation/FlowAnchor.docc/AnchorProtocol.md. It shares no code with the codec. The authenticator is shown, not checked:
-- a capture does not hold the keys.

local flowanchor = Proto("flowanchor", "FlowAnchor anchor protocol")

local PORT = 4346
local HEADER_LENGTH = 36
local AUTHENTICATOR_LENGTH = 32

local types = {
    [1] = "Solicit", [2] = "Advertise", [3] = "Attach request", [4] = "Attach reply", [5] = "Location update",
    [6] = "Location acknowledgement", [7] = "Release", [8] = "Release acknowledgement", [9] = "Error",
}

local option_types = {
    [0x8001] = "In reply to", [0x8002] = "Address", [0x8003] = "Care-of address", [0x8004] = "Tunnel",
    [0x0005] = "Lifetime", [0x8006] = "Link address", [0x0007] = "Tunnel endpoint", [0x0008] = "Capabilities",
    [0x0009] = "Prefix", [0x800a] = "Lease", [0x000b] = "Previous address", [0x000c] = "MTU", [0x000d] = "GRE key",
    [0x000e] = "Advertisement interval", [0x800f] = "Error code", [0x0010] = "Text", [0x0011] = "Receiver's view",
    [0x0012] = "Padding",
}

local tunnel_kinds = { [1] = "IP-in-IP", [2] = "GRE" }

local error_codes = {
    [1] = "malformed", [2] = "unsupported version", [3] = "unknown type", [4] = "unknown critical option",
    [5] = "unknown SPI", [6] = "bad authenticator", [7] = "replayed", [8] = "stale epoch", [9] = "wrong recipient",
    [64] = "not owner", [65] = "unknown address", [66] = "care-of mismatch", [67] = "outdated", [68] = "quota reached",
    [69] = "no address", [70] = "not on link", [71] = "unsupported tunnel", [72] = "storage failed",
    [73] = "rate limited", [74] = "prohibited",
}

local ATTACH_REQUEST, LOCATION_UPDATE = 3, 5

local f = {
    magic = ProtoField.uint16("flowanchor.magic", "Magic", base.HEX),
    version = ProtoField.uint8("flowanchor.version", "Version"),
    type = ProtoField.uint8("flowanchor.type", "Type", base.DEC, types),
    flags = ProtoField.uint16("flowanchor.flags", "Flags", base.HEX),
    wants_v4 = ProtoField.bool("flowanchor.flags.ipv4", "IPv4 wanted", 16, nil, 0x0001),
    wants_v6 = ProtoField.bool("flowanchor.flags.ipv6", "IPv6 wanted", 16, nil, 0x0002),
    attached = ProtoField.bool("flowanchor.flags.attached", "Attached", 16, nil, 0x0001),
    length = ProtoField.uint16("flowanchor.length", "Length"),
    spi = ProtoField.uint32("flowanchor.spi", "Security parameters index"),
    epoch = ProtoField.uint32("flowanchor.epoch", "Epoch"),
    sequence = ProtoField.uint32("flowanchor.sequence", "Sequence"),
    sender = ProtoField.uint64("flowanchor.sender", "Sender"),
    recipient = ProtoField.uint64("flowanchor.recipient", "Recipient"),
    option = ProtoField.bytes("flowanchor.option", "Option"),
    option_type = ProtoField.uint16("flowanchor.option.type", "Type", base.HEX, option_types),
    option_critical = ProtoField.bool("flowanchor.option.critical", "Critical", 16, nil, 0x8000),
    option_length = ProtoField.uint16("flowanchor.option.length", "Length"),
    reply_epoch = ProtoField.uint32("flowanchor.in_reply_to.epoch", "Epoch"),
    reply_sequence = ProtoField.uint32("flowanchor.in_reply_to.sequence", "Sequence"),
    address4 = ProtoField.ipv4("flowanchor.address", "Address"),
    address6 = ProtoField.ipv6("flowanchor.address6", "Address"),
    care_of4 = ProtoField.ipv4("flowanchor.care_of", "Care-of address"),
    care_of6 = ProtoField.ipv6("flowanchor.care_of6", "Care-of address"),
    endpoint4 = ProtoField.ipv4("flowanchor.endpoint", "Tunnel endpoint"),
    endpoint6 = ProtoField.ipv6("flowanchor.endpoint6", "Tunnel endpoint"),
    previous4 = ProtoField.ipv4("flowanchor.previous", "Previous address"),
    previous6 = ProtoField.ipv6("flowanchor.previous6", "Previous address"),
    link_address = ProtoField.ether("flowanchor.link_address", "Link address"),
    tunnel_kind = ProtoField.uint8("flowanchor.tunnel.kind", "Kind", base.DEC, tunnel_kinds),
    tunnel_sequenced = ProtoField.bool("flowanchor.tunnel.sequenced", "Sequence numbers", 8, nil, 0x80),
    tunnel_key = ProtoField.uint32("flowanchor.tunnel.key", "GRE key", base.HEX),
    lifetime = ProtoField.uint32("flowanchor.lifetime", "Lifetime (s)"),
    interval = ProtoField.uint32("flowanchor.interval", "Advertisement interval (ms)"),
    capabilities = ProtoField.uint32("flowanchor.capabilities", "Capabilities", base.HEX),
    capability_v4 = ProtoField.bool("flowanchor.capabilities.ipv4", "IPv4 leases", 32, nil, 0x01),
    capability_v6 = ProtoField.bool("flowanchor.capabilities.ipv6", "IPv6 leases", 32, nil, 0x02),
    capability_ipip = ProtoField.bool("flowanchor.capabilities.ipip", "IP-in-IP", 32, nil, 0x04),
    capability_gre = ProtoField.bool("flowanchor.capabilities.gre", "GRE", 32, nil, 0x08),
    capability_sequence = ProtoField.bool("flowanchor.capabilities.gre_sequence", "GRE sequence numbers", 32, nil, 0x10),
    capability_both = ProtoField.bool("flowanchor.capabilities.both_in_use", "Both attachments in use", 32, nil, 0x20),
    prefix_length = ProtoField.uint8("flowanchor.prefix.length", "Prefix length"),
    prefix4 = ProtoField.ipv4("flowanchor.prefix", "Prefix"),
    prefix6 = ProtoField.ipv6("flowanchor.prefix6", "Prefix"),
    lease_lifetime = ProtoField.uint32("flowanchor.lease.lifetime", "Lifetime (s)"),
    lease_length = ProtoField.uint8("flowanchor.lease.prefix_length", "Prefix length"),
    lease_address4 = ProtoField.ipv4("flowanchor.lease.address", "Address"),
    lease_address6 = ProtoField.ipv6("flowanchor.lease.address6", "Address"),
    lease_gateway4 = ProtoField.ipv4("flowanchor.lease.gateway", "Gateway"),
    lease_gateway6 = ProtoField.ipv6("flowanchor.lease.gateway6", "Gateway"),
    mtu = ProtoField.uint16("flowanchor.mtu", "MTU"),
    gre_key = ProtoField.uint32("flowanchor.gre_key", "GRE key", base.HEX),
    error_code = ProtoField.uint16("flowanchor.error.code", "Code", base.DEC, error_codes),
    error_detail = ProtoField.uint16("flowanchor.error.detail", "Detail", base.HEX),
    text = ProtoField.string("flowanchor.text", "Text", base.UNICODE),
    view_epoch = ProtoField.uint32("flowanchor.view.epoch", "Epoch"),
    view_sequence = ProtoField.uint32("flowanchor.view.sequence", "Sequence"),
    padding = ProtoField.bytes("flowanchor.padding", "Padding"),
    authenticator = ProtoField.bytes("flowanchor.authenticator", "Authenticator"),
}

local fields = {}
for _, field in pairs(f) do fields[#fields + 1] = field end
flowanchor.fields = fields

local e = {
    length = ProtoExpert.new("flowanchor.expert.length", "Length does not fit", expert.group.MALFORMED,
        expert.severity.ERROR),
    version = ProtoExpert.new("flowanchor.expert.version", "Version is not known", expert.group.UNDECODED,
        expert.severity.WARN),
    critical = ProtoExpert.new("flowanchor.expert.critical", "Unknown critical option", expert.group.UNDECODED,
        expert.severity.WARN),
}
flowanchor.experts = { e.length, e.version, e.critical }

flowanchor.prefs.port = Pref.uint("UDP port", PORT, "UDP port of routers and nodes")

-- Adds an address of 4 or 16 bytes; false for any other length.
local function add_address(tree, value, field4, field6)
    if value:len() == 4 then
        tree:add(field4, value)
    elseif value:len() == 16 then
        tree:add(field6, value)
    else
        return false
    end
    return true
end

local function fixed(length, add)
    return function(tree, value)
        if value:len() ~= length then return false end
        add(tree, value)
        return true
    end
end

local function number(length, field)
    return fixed(length, function(tree, value) tree:add(field, value) end)
end

local function address(field4, field6)
    return function(tree, value) return add_address(tree, value, field4, field6) end
end

-- How the value of each option is shown. False: its length is not one that it may have.
local values = {
    [0x8001] = fixed(8, function(tree, value)
        tree:add(f.reply_epoch, value(0, 4))
        tree:add(f.reply_sequence, value(4, 4))
    end),
    [0x8002] = address(f.address4, f.address6),
    [0x8003] = address(f.care_of4, f.care_of6),
    [0x8004] = fixed(8, function(tree, value)
        tree:add(f.tunnel_kind, value(0, 1))
        tree:add(f.tunnel_sequenced, value(1, 1))
        tree:add(f.tunnel_key, value(4, 4))
    end),
    [0x0005] = number(4, f.lifetime),
    [0x8006] = number(6, f.link_address),
    [0x0007] = address(f.endpoint4, f.endpoint6),
    [0x0008] = fixed(4, function(tree, value)
        local bits = tree:add(f.capabilities, value)
        bits:add(f.capability_v4, value)
        bits:add(f.capability_v6, value)
        bits:add(f.capability_ipip, value)
        bits:add(f.capability_gre, value)
        bits:add(f.capability_sequence, value)
        bits:add(f.capability_both, value)
    end),
    [0x0009] = function(tree, value)
        if value:len() ~= 8 and value:len() ~= 20 then return false end
        tree:add(f.prefix_length, value(0, 1))
        return add_address(tree, value(4):range(), f.prefix4, f.prefix6)
    end,
    [0x800a] = function(tree, value)
        if value:len() ~= 16 and value:len() ~= 40 then return false end
        local size = (value:len() - 8) / 2
        tree:add(f.lease_lifetime, value(0, 4))
        tree:add(f.lease_length, value(4, 1))
        add_address(tree, value(8, size), f.lease_address4, f.lease_address6)
        return add_address(tree, value(8 + size, size), f.lease_gateway4, f.lease_gateway6)
    end,
    [0x000b] = address(f.previous4, f.previous6),
    [0x000c] = number(2, f.mtu),
    [0x000d] = number(4, f.gre_key),
    [0x000e] = number(4, f.interval),
    [0x800f] = fixed(4, function(tree, value)
        tree:add(f.error_code, value(0, 2))
        tree:add(f.error_detail, value(2, 2))
    end),
    [0x0010] = function(tree, value)
        tree:add_packet_field(f.text, value, ENC_UTF_8)
        return true
    end,
    [0x0011] = fixed(8, function(tree, value)
        tree:add(f.view_epoch, value(0, 4))
        tree:add(f.view_sequence, value(4, 4))
    end),
    [0x0012] = function(tree, value)
        tree:add(f.padding, value)
        return true
    end,
}

-- One option at `offset`; returns where the next one begins.
local function dissect_option(buffer, offset, last, tree)
    if last - offset < 4 then
        tree:add_proto_expert_info(e.length, "Option cut off")
        return last
    end
    local kind = buffer(offset, 2):uint()
    local length = buffer(offset + 2, 2):uint()
    local name = option_types[kind] or string.format("Option 0x%04x", kind)
    local available = math.min(length, last - offset - 4)
    local branch = tree:add(f.option, buffer(offset, 4 + available))
    branch:set_text(name)
    branch:add(f.option_type, buffer(offset, 2))
    branch:add(f.option_critical, buffer(offset, 2))
    branch:add(f.option_length, buffer(offset + 2, 2))
    if available < length then
        branch:add_proto_expert_info(e.length, "Option is longer than the message")
        return last
    end
    local show = values[kind]
    if not show then
        if kind >= 0x8000 then branch:add_proto_expert_info(e.critical) end
    elseif length > 0 then
        if not show(branch, buffer(offset + 4, length):tvb():range()) then
            branch:add_proto_expert_info(e.length, "Option cannot have this length")
        end
    elseif kind ~= 0x0010 and kind ~= 0x0012 then
        branch:add_proto_expert_info(e.length, "Option cannot be empty")
    end
    return offset + 4 + length
end

function flowanchor.dissector(buffer, pinfo, root)
    if buffer:len() < HEADER_LENGTH or buffer(0, 2):uint() ~= 0x4641 then return 0 end
    local kind = buffer(3, 1):uint()
    local length = buffer(6, 2):uint()
    local spi = buffer(8, 4):uint()
    local name = types[kind] or string.format("Type %d", kind)
    pinfo.cols.protocol = "FlowAnchor"
    pinfo.cols.info = string.format("%s, sequence %d", name, buffer(16, 4):uint())

    local tree = root:add(flowanchor, buffer())
    tree:append_text(", " .. name)
    tree:add(f.magic, buffer(0, 2))
    local version = tree:add(f.version, buffer(2, 1))
    tree:add(f.type, buffer(3, 1))
    local flags = tree:add(f.flags, buffer(4, 2))
    if kind == ATTACH_REQUEST then
        flags:add(f.wants_v4, buffer(4, 2))
        flags:add(f.wants_v6, buffer(4, 2))
    elseif kind == LOCATION_UPDATE then
        flags:add(f.attached, buffer(4, 2))
    end
    local length_item = tree:add(f.length, buffer(6, 2))
    tree:add(f.spi, buffer(8, 4))
    tree:add(f.epoch, buffer(12, 4))
    tree:add(f.sequence, buffer(16, 4))
    tree:add(f.sender, buffer(20, 8))
    tree:add(f.recipient, buffer(28, 8))

    if buffer(2, 1):uint() ~= 1 then
        version:add_proto_expert_info(e.version)
        return buffer:len()
    end
    local trailer = spi ~= 0 and AUTHENTICATOR_LENGTH or 0
    if length ~= buffer:len() or length < HEADER_LENGTH + trailer then
        length_item:add_proto_expert_info(e.length)
        return buffer:len()
    end

    local offset, last = HEADER_LENGTH, length - trailer
    while offset < last do offset = dissect_option(buffer, offset, last, tree) end
    if trailer > 0 then tree:add(f.authenticator, buffer(last, trailer)) end
    return buffer:len()
end

local registered = PORT
DissectorTable.get("udp.port"):add(registered, flowanchor)

function flowanchor.prefs_changed()
    DissectorTable.get("udp.port"):remove(registered, flowanchor)
    registered = flowanchor.prefs.port
    DissectorTable.get("udp.port"):add(registered, flowanchor)
end
