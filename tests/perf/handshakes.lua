-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- What the plugin is compared with: a post-dissector in Lua that does nothing but count three-way handshakes.
-- tshark -X lua_script:handshakes.lua -q -r FILE

local stream_of = Field.new("tcp.stream")
local syn_of = Field.new("tcp.flags.syn")
local ack_of = Field.new("tcp.flags.ack")

local SYN_SEEN, SYNACK_SEEN, COMPLETE = 1, 2, 3
local progress = {} -- by tcp.stream
local complete = 0

local handshakes = Proto("handshakes", "Handshake count")

function handshakes.dissector(_, pinfo, _)
    local stream, syn, ack = stream_of(), syn_of(), ack_of()
    if not stream or pinfo.visited then
        return
    end
    local at = progress[stream.value]
    if syn.value and not ack.value then
        progress[stream.value] = SYN_SEEN
    elseif syn.value and at == SYN_SEEN then
        progress[stream.value] = SYNACK_SEEN
    elseif ack.value and not syn.value and at == SYNACK_SEEN then
        progress[stream.value] = COMPLETE
        complete = complete + 1
    end
end

register_postdissector(handshakes)

-- Prints the sum at the end. The filter lets nothing through: a packet shall cost what the post-dissector costs, and no more.
local tap = Listener.new("frame", "frame.number == 0")

function tap.draw()
    print("handshakes: " .. complete)
end
