<%@ include file="/WEB-INF/include/site.jspf" %><%
  allowMethods(request, response, "GET", "POST");
  if (request.getSession(false) != null) request.getSession(false).invalidate();
  for (String name : new String[] {"JSESSIONID", "uid"}) {
    Cookie gone = new Cookie(name, "");
    gone.setPath("/");
    gone.setMaxAge(0);
    response.addCookie(gone);
  }
  redirect(response, "/login");
%>
