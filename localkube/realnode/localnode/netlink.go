package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// The few words of rtnetlink that a node needs, so that no `ip` program has to be there.
// https://docs.kernel.org/userspace-api/netlink/specs/rt_link.html
const (
	linkKind     = 1 // IFLA_INFO_KIND
	replyBytes   = 4096
	nlmsgHdrSize = syscall.NLMSG_HDRLEN
)

// addLink makes a network interface of a kind, `bridge` or `veth`. A hardware address of its own keeps a
// bridge from taking on that of what is plugged in, which neighbours would have to learn anew.
func addLink(name, kind string, hardware net.HardwareAddr) error {
	body := make([]byte, syscall.SizeofIfInfomsg)
	body = append(body, attribute(syscall.IFLA_IFNAME, append([]byte(name), 0))...)
	if hardware != nil {
		body = append(body, attribute(syscall.IFLA_ADDRESS, hardware)...)
	}
	body = append(body, attribute(syscall.IFLA_LINKINFO, attribute(linkKind, []byte(kind)))...)
	return ask(syscall.RTM_NEWLINK, syscall.NLM_F_CREATE|syscall.NLM_F_EXCL, body)
}

func deleteLink(name string) error {
	body := append(make([]byte, syscall.SizeofIfInfomsg), attribute(syscall.IFLA_IFNAME, append([]byte(name), 0))...)
	if err := ask(syscall.RTM_DELLINK, 0, body); err != nil && !errors.Is(err, syscall.ENODEV) {
		return fmt.Errorf("remove the network interface %s: %w", name, err)
	}
	return nil
}

// addAddress gives an interface its address and switches it on.
func addAddress(name string, network *net.IPNet) error {
	found, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	index := uint32(found.Index)
	ones, _ := network.Mask.Size()
	ip := network.IP.To4()
	body := []byte{syscall.AF_INET, byte(ones), 0, syscall.RT_SCOPE_UNIVERSE}
	body = binary.NativeEndian.AppendUint32(body, index)
	body = append(body, attribute(syscall.IFA_LOCAL, ip)...)
	body = append(body, attribute(syscall.IFA_ADDRESS, ip)...)
	if err := ask(syscall.RTM_NEWADDR, syscall.NLM_F_CREATE|syscall.NLM_F_EXCL, body); err != nil {
		return err
	}
	up := make([]byte, 4, syscall.SizeofIfInfomsg)
	for _, field := range []uint32{index, syscall.IFF_UP, syscall.IFF_UP} { // index, flags, which of them change
		up = binary.NativeEndian.AppendUint32(up, field)
	}
	return ask(syscall.RTM_NEWLINK, 0, up)
}

func attribute(kind uint16, data []byte) []byte {
	length := syscall.SizeofRtAttr + len(data)
	out := binary.NativeEndian.AppendUint16(nil, uint16(length))
	out = binary.NativeEndian.AppendUint16(out, kind)
	out = append(out, data...)
	return append(out, make([]byte, (4-length%4)%4)...)
}

// ask sends one request and answers with the kernel's error for it.
func ask(kind, flags int, body []byte) error {
	socket, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return os.NewSyscallError("netlink", err)
	}
	defer syscall.Close(socket)
	request := binary.NativeEndian.AppendUint32(nil, uint32(nlmsgHdrSize+len(body)))
	request = binary.NativeEndian.AppendUint16(request, uint16(kind))
	request = binary.NativeEndian.AppendUint16(request, uint16(flags|syscall.NLM_F_REQUEST|syscall.NLM_F_ACK))
	request = append(request, make([]byte, 8)...) // sequence number and sender: there is one request and one asker
	request = append(request, body...)
	if err := syscall.Sendto(socket, request, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return os.NewSyscallError("netlink", err)
	}
	reply := make([]byte, replyBytes)
	n, _, err := syscall.Recvfrom(socket, reply, 0)
	if err != nil {
		return os.NewSyscallError("netlink", err)
	}
	messages, err := syscall.ParseNetlinkMessage(reply[:n])
	if err != nil || len(messages) == 0 || messages[0].Header.Type != syscall.NLMSG_ERROR || len(messages[0].Data) < 4 {
		return fmt.Errorf("netlink: an answer that is none: %w", err)
	}
	if code := int32(binary.NativeEndian.Uint32(messages[0].Data)); code != 0 {
		return syscall.Errno(-code)
	}
	return nil
}
