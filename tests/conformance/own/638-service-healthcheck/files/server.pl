use IO::Socket::INET;
select undef, undef, undef, 0.5;
my $server = IO::Socket::INET->new(LocalPort => 9000, Listen => 5, ReuseAddr => 1) or die;
while (my $client = $server->accept) {
  while (<$client>) { last if /^\r?$/ }
  print $client "HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\nhealthy";
  close $client;
}
