// SPDX-License-Identifier: GPL-2.0-or-later

// An end of the stacks lab whose TCP is gVisor's netstack: end ADDRESS PEER SEED LINK [nosack].
// What it tells the link is described in end.c, whose C this repeats in Go.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/bufferv2"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const (
	nic           = 1
	receiveBuffer = 32768
)

var linkDescriptor int

// link is the device of the stack: it hands every packet over with the call stack of that moment.
type link struct{ *channel.Endpoint }

// callers names the functions of TCP and of this program that are running, the innermost first.
func callers() string {
	counters := make([]uintptr, 50)
	frames := runtime.CallersFrames(counters[:runtime.Callers(3, counters)])
	var names []string
	for {
		frame, more := frames.Next()
		name := frame.Function[strings.LastIndex(frame.Function, "/")+1:]
		if strings.HasPrefix(name, "tcp.") || strings.HasPrefix(name, "main.") {
			names = append(names, name[strings.LastIndex(name, ".")+1:])
		}
		if !more {
			return strings.Join(names, " ")
		}
	}
}

func handOver(packet []byte, text string) {
	message := append(append(append([]byte{}, packet...), text...), byte(len(text)>>8), byte(len(text)))
	if _, err := syscall.Write(linkDescriptor, message); err != nil {
		os.Exit(0)
	}
}

func (*link) WritePackets(packets stack.PacketBufferList) (int, tcpip.Error) {
	why := callers() + ";"
	for _, packet := range packets.AsSlice() {
		handOver(bytes.Join(packet.AsSlices(), nil), why)
	}
	return packets.Len(), nil
}

// conn is one connection of the application.
type conn struct {
	id      string
	ep      tcpip.Endpoint
	queue   *waiter.Queue
	mutex   sync.Mutex
	reading bool
	closed  bool
	kick    chan struct{}
}

// end is this program: a stack and its connections.
type end struct {
	stack    *stack.Stack
	protocol tcpip.NetworkProtocolNumber
	mutex    sync.Mutex
	conns    map[string]*conn
	accepted int
	output   sync.Mutex
}

func (e *end) say(format string, arguments ...interface{}) {
	e.output.Lock()
	defer e.output.Unlock()
	fmt.Printf(format+"\n", arguments...)
}

func (e *end) newConn(id string, ep tcpip.Endpoint, queue *waiter.Queue, reading bool) *conn {
	c := &conn{id: id, ep: ep, queue: queue, reading: reading, kick: make(chan struct{}, 1)}
	ep.SocketOptions().SetDelayOption(false)
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.conns[id] = c
	return c
}

func (c *conn) wake() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// read tells what arrives until the connection ends, whenever the application reads.
func (e *end) read(c *conn) {
	entry, ready := waiter.NewChannelEntry(waiter.ReadableEvents | waiter.EventHUp | waiter.EventErr)
	c.queue.EventRegister(&entry)
	defer c.queue.EventUnregister(&entry)
	for {
		c.mutex.Lock()
		reading, closed := c.reading, c.closed
		c.mutex.Unlock()
		if closed {
			return
		}
		if !reading {
			<-c.kick
			continue
		}
		var data bytes.Buffer
		_, err := c.ep.Read(&data, tcpip.ReadOptions{})
		if data.Len() > 0 {
			e.say("ev got %s %d", c.id, data.Len())
		}
		switch err.(type) {
		case nil:
		case *tcpip.ErrWouldBlock:
			select {
			case <-ready:
			case <-c.kick:
			}
		case *tcpip.ErrClosedForReceive:
			e.say("ev end %s", c.id)
			return
		default:
			e.say("ev error %s %s", c.id, err)
			return
		}
	}
}

func (e *end) write(c *conn, count int) {
	entry, ready := waiter.NewChannelEntry(waiter.WritableEvents | waiter.EventHUp | waiter.EventErr)
	c.queue.EventRegister(&entry)
	defer c.queue.EventUnregister(&entry)
	left := bytes.Repeat([]byte("x"), count)
	for len(left) > 0 {
		written, err := c.ep.Write(bytes.NewReader(left), tcpip.WriteOptions{})
		left = left[written:]
		if _, full := err.(*tcpip.ErrWouldBlock); full {
			<-ready
		} else if err != nil {
			return
		}
	}
}

func number(text string) int {
	value, _ := strconv.Atoi(text)
	return value
}

func address(text string) tcpip.Address {
	ip := net.ParseIP(text)
	if short := ip.To4(); short != nil {
		ip = short
	}
	return tcpip.Address(ip)
}

// listen PORT READING
func (e *end) listen(words []string) {
	queue := &waiter.Queue{}
	ep, _ := e.stack.NewEndpoint(tcp.ProtocolNumber, e.protocol, queue)
	ep.SocketOptions().SetReuseAddress(true)
	ep.Bind(tcpip.FullAddress{Port: uint16(number(words[1]))})
	ep.Listen(16)
	reading := words[2] == "1"
	go func() {
		entry, ready := waiter.NewChannelEntry(waiter.ReadableEvents)
		queue.EventRegister(&entry)
		for {
			accepted, acceptedQueue, err := ep.Accept(nil)
			if err != nil {
				<-ready
				continue
			}
			e.mutex.Lock()
			id := fmt.Sprintf("a%d", e.accepted)
			e.accepted++
			e.mutex.Unlock()
			c := e.newConn(id, accepted, acceptedQueue, reading)
			e.say("ev accepted %s %s", id, words[1])
			go e.read(c)
		}
	}()
}

// connect ID ADDRESS PORT OWN-PORT READING
func (e *end) connect(words []string) {
	queue := &waiter.Queue{}
	ep, _ := e.stack.NewEndpoint(tcp.ProtocolNumber, e.protocol, queue)
	ep.SocketOptions().SetReuseAddress(true)
	c := e.newConn(words[1], ep, queue, words[5] == "1")
	entry, ready := waiter.NewChannelEntry(waiter.WritableEvents | waiter.EventErr | waiter.EventHUp)
	queue.EventRegister(&entry)
	if port := number(words[4]); port != 0 {
		if err := ep.Bind(tcpip.FullAddress{Port: uint16(port)}); err != nil {
			e.say("ev error %s %s", c.id, err)
			return
		}
	}
	err := ep.Connect(tcpip.FullAddress{NIC: nic, Addr: address(words[2]), Port: uint16(number(words[3]))})
	go func() {
		if _, started := err.(*tcpip.ErrConnectStarted); started {
			<-ready
			err = ep.LastError()
		}
		queue.EventUnregister(&entry)
		if err != nil {
			e.say("ev error %s %s", c.id, err)
			return
		}
		e.say("ev connected %s", c.id)
		e.read(c)
	}()
}

// letGo closes; with a reset as close() does after SO_LINGER 0.
func (c *conn) letGo(reset bool) {
	if reset {
		c.ep.SocketOptions().SetLinger(tcpip.LingerOption{Enabled: true, Timeout: 0})
	}
	c.mutex.Lock()
	c.closed = true
	c.mutex.Unlock()
	c.wake()
	c.ep.Close()
}

func (c *conn) keepAlive(words []string) {
	idle := tcpip.KeepaliveIdleOption(time.Duration(number(words[2])) * time.Millisecond)
	interval := tcpip.KeepaliveIntervalOption(time.Duration(number(words[3])) * time.Millisecond)
	c.ep.SetSockOpt(&idle)
	c.ep.SetSockOpt(&interval)
	c.ep.SetSockOptInt(tcpip.KeepaliveCountOption, number(words[4]))
	c.ep.SocketOptions().SetKeepAlive(true)
}

func (e *end) command(words []string) {
	defer e.say("ok")
	switch words[0] {
	case "listen":
		e.listen(words)
		return
	case "connect":
		e.connect(words)
		return
	case "counters":
		counters := e.stack.Stats().TCP
		e.say("counters retransmissions %d resets %d", counters.Retransmits.Value(), counters.ResetsSent.Value())
		return
	}
	e.mutex.Lock()
	c := e.conns[words[1]]
	e.mutex.Unlock()
	if c == nil {
		return
	}
	switch words[0] {
	case "send":
		go e.write(c, number(words[2]))
	case "read":
		c.mutex.Lock()
		c.reading = words[2] == "1"
		c.mutex.Unlock()
		c.wake()
	case "close", "abort":
		c.letGo(words[0] == "abort")
	case "shut":
		c.ep.Shutdown(tcpip.ShutdownWrite)
	case "keepalive":
		c.keepAlive(words)
	}
}

var stateNames = map[tcp.EndpointState]string{
	tcp.StateEstablished: "ESTABLISHED", tcp.StateSynSent: "SYN-SENT", tcp.StateSynRecv: "SYN-RECEIVED",
	tcp.StateFinWait1: "FIN-WAIT-1", tcp.StateFinWait2: "FIN-WAIT-2", tcp.StateTimeWait: "TIME-WAIT",
	tcp.StateClose: "CLOSED", tcp.StateError: "CLOSED", tcp.StateCloseWait: "CLOSE-WAIT",
	tcp.StateLastAck: "LAST-ACK", tcp.StateClosing: "CLOSING",
}

// tellStates looks every millisecond.
func (e *end) tellStates() {
	told := map[string]string{}
	for {
		time.Sleep(time.Millisecond)
		seen := map[string]bool{}
		for _, registered := range e.stack.RegisteredEndpoints() {
			ep, ok := registered.(tcpip.Endpoint)
			if !ok {
				continue
			}
			own, err := ep.GetLocalAddress()
			peer, err2 := ep.GetRemoteAddress()
			state, known := stateNames[tcp.EndpointState(ep.State())]
			if err != nil || err2 != nil || peer.Port == 0 || !known {
				continue
			}
			key := fmt.Sprintf("%d %d", own.Port, peer.Port)
			seen[key] = true
			if told[key] != state {
				told[key] = state
				handOver(nil, "S "+key+" "+state)
			}
		}
		for key, state := range told {
			if !seen[key] && state != "CLOSED" {
				told[key] = "CLOSED"
				handOver(nil, "S "+key+" CLOSED")
			}
		}
	}
}

func (e *end) receive(device *link) {
	packet := make([]byte, 4000)
	for {
		count, err := syscall.Read(linkDescriptor, packet)
		if count <= 0 || err != nil {
			os.Exit(0)
		}
		data := bufferv2.MakeWithData(append([]byte{}, packet[:count]...))
		buffer := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: data})
		device.InjectInbound(e.protocol, buffer)
		buffer.DecRef()
	}
}

func newEnd(own string, sack bool, device *link) *end {
	e := &end{protocol: ipv4.ProtocolNumber, conns: map[string]*conn{}}
	subnet, bits := header.IPv4EmptySubnet, 24
	if strings.Contains(own, ":") {
		e.protocol, subnet, bits = ipv6.ProtocolNumber, header.IPv6EmptySubnet, 64
	}
	e.stack = stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
	})
	enabled, moderate := tcpip.TCPSACKEnabled(sack), tcpip.TCPModerateReceiveBufferOption(false)
	buffer := tcpip.TCPReceiveBufferSizeRangeOption{Min: 4096, Default: receiveBuffer, Max: 1 << 20}
	recovery := tcpip.TCPRecovery(0)
	if sack {
		recovery = tcpip.TCPRACKLossDetection
	}
	e.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &enabled)
	e.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &recovery)
	e.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &moderate)
	e.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &buffer)
	e.stack.CreateNIC(nic, device)
	e.stack.AddProtocolAddress(nic, tcpip.ProtocolAddress{
		Protocol:          e.protocol,
		AddressWithPrefix: tcpip.AddressWithPrefix{Address: address(own), PrefixLen: bits},
	}, stack.AddressProperties{})
	e.stack.SetRouteTable([]tcpip.Route{{Destination: subnet, NIC: nic}})
	return e
}

func main() {
	linkDescriptor = number(os.Args[4])
	device := &link{channel.New(1, 1500, "")}
	e := newEnd(os.Args[1], len(os.Args) < 6 || os.Args[5] != "nosack", device)
	go e.receive(device)
	go e.tellStates()
	e.say("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := append(strings.Fields(lines.Text()), make([]string, 8)...)
		e.command(words)
	}
}
